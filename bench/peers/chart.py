"""Grouped horizontal bars as SVG, without any library."""

from html import escape

COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#999999", "#d55e00", "#56b4e9"]
BAR, GAP, LEFT, WIDTH, RIGHT, TOP = 13, 12, 190, 520, 110, 56


def bars(title, unit, groups, names):
    """`groups`: [(label, {name: value})]; bars in the order of `names`; absent values have none."""
    most = max(v for _, values in groups for v in values.values())
    out, y = [], TOP
    for label, values in groups:
        top = y
        for name in names:
            if name not in values:
                continue
            width = max(1, WIDTH * values[name] / most)
            colour = COLOURS[names.index(name) % len(COLOURS)]
            out.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{colour}"/>')
            out.append(f'<text x="{LEFT + width + 4:.1f}" y="{y + BAR - 4}">{values[name]:.4g}</text>')
            y += BAR
        out.append(f'<text x="{LEFT - 8}" y="{(top + y) / 2 + 3:.0f}" text-anchor="end">{escape(label)}</text>')
        y += GAP
    x = LEFT
    for i, name in enumerate(names):
        out.append(f'<rect x="{x}" y="30" width="10" height="10" fill="{COLOURS[i % len(COLOURS)]}"/>')
        out.append(f'<text x="{x + 14}" y="39">{escape(name)}</text>')
        x += 30 + 7 * len(name)
    width = max(LEFT + WIDTH + RIGHT, x)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" '
            f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
            f'<text x="{LEFT}" y="18" font-size="14">{escape(title)}, {escape(unit)}</text>'
            + "\n".join(out) + "</svg>\n")
