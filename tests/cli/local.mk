# end-to-end: bad input, output, help of the motley command
