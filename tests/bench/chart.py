# SPDX-License-Identifier: MIT OR Apache-2.0
"""Results of bench.py as an SVG: for each row a group of bars, CPU time per request relative to the best peer."""
from xml.sax.saxutils import escape

COLOURS = ("#1b6ca8", "#7a9e3b", "#c9772c", "#8c5aa8", "#888888", "#b04a4a")
LEFT, BAR, GAP, WIDTH, MOST = 250, 13, 14, 520, 2.5


def svg(title, rows):
    """rows: [(name, {contender: CPU microseconds}, base)]; bars are ratios to base, cut at MOST."""
    names = []
    for _, cells, _ in rows:
        names += [n for n in cells if n not in names]
    colour = {n: COLOURS[i % len(COLOURS)] for i, n in enumerate(names)}
    out, y = [], 64
    for name, cells, base in rows:
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 10, y + BAR, escape(name)))
        for contender, us in cells.items():
            ratio = us / base
            width = min(ratio, MOST) / MOST * WIDTH
            out.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (LEFT, y, width, BAR - 2, colour[contender]))
            out.append('<text x="%.1f" y="%d" class="v">%.2f (%.1f us)</text>' % (LEFT + width + 4, y + BAR - 3, ratio, us))
            y += BAR
        y += GAP
    x = LEFT + WIDTH / MOST
    out.append('<line x1="%.1f" y1="56" x2="%.1f" y2="%d" stroke="#000" stroke-dasharray="3 3"/>' % (x, x, y - GAP))
    legend = []
    for i, n in enumerate(names):
        legend.append('<rect x="%d" y="32" width="11" height="11" fill="%s"/><text x="%d" y="42">%s</text>'
                      % (LEFT + i * 95, colour[n], LEFT + i * 95 + 15, escape(n)))
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">\n'
            '<style>.v { font-size: 10px; }</style><rect width="100%%" height="100%%" fill="#fff"/>\n'
            '<text x="10" y="20" font-size="14">%s</text>\n%s\n</svg>\n'
            % (LEFT + WIDTH + 120, y, escape(title), "\n".join(legend + out)))
