#include "config.h"

#include "tools/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

char *mot_format_count(int64_t n, char text[MOT_FORMAT])
{
    char digits[MOT_FORMAT];
    int length = snprintf(digits, sizeof digits, "%" PRId64, n < 0 ? -n : n), at = 0;
    if (n < 0)
        text[at++] = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

char *mot_format_si(double value, char text[MOT_FORMAT])
{
    static const char *const prefix[] = {"", "k", "M", "G", "T", "P"};
    int i = 0;
    if (!isfinite(value) || value <= 0) {
        strcpy(text, "-");
        return text;
    }
    while (value >= 999.5 && i < 5) {
        value /= 1000;
        i++;
    }
    snprintf(text, MOT_FORMAT, "%.*f %s",
             value < 9.995   ? 2
             : value < 99.95 ? 1
                             : 0,
             value, prefix[i]);
    return text;
}

char *mot_format_bytes(int64_t bytes, char text[MOT_FORMAT])
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    int i = 0;
    while (value >= 1024 && i < 5) {
        value /= 1024;
        i++;
    }
    snprintf(text, MOT_FORMAT, "%.*f %s", value < 100 && i > 0 ? 1 : 0, value, unit[i]);
    return text;
}

char *mot_format_clock(double seconds, char text[MOT_FORMAT])
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9) {
        strcpy(text, "-:--");
        return text;
    }
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(text, MOT_FORMAT, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, MOT_FORMAT, "%ld:%02ld", s / 60, s % 60);
    return text;
}

char *mot_format_short_time(double seconds, char text[MOT_FORMAT])
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e-6, "us"}, {1e-3, "ms"}, {1, "s"}};
    int i = seconds < 999.5e-6 ? 0 : seconds < 0.9995 ? 1 : 2;
    double value = seconds / units[i].unit;
    if (!isfinite(seconds) || seconds <= 0)
        strcpy(text, "-");
    else
        snprintf(text, MOT_FORMAT, "%.*f %s",
                 value < 9.995   ? 2
                 : value < 99.95 ? 1
                                 : 0,
                 value, units[i].name);
    return text;
}

char *mot_format_loss(double loss, char text[MOT_FORMAT])
{
    if (isnan(loss))
        strcpy(text, "-");
    else if (fabs(loss) < 1e-3 || fabs(loss) >= 1e5)
        snprintf(text, MOT_FORMAT, "%.3g", loss);
    else
        snprintf(text, MOT_FORMAT, "%.*f", fabs(loss) < 10 ? 4 : fabs(loss) < 1000 ? 2 : 0, loss);
    return text;
}

char *mot_format_percent(double fraction, char text[MOT_FORMAT])
{
    if (isnan(fraction))
        strcpy(text, "-");
    else
        snprintf(text, MOT_FORMAT, "%.2f %%", 100 * fraction);
    return text;
}
