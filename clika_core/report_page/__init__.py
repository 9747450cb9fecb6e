"""`report.html`: one page, offline, with everything a run decided and measured, or with one picture to zoom.

Read `page` first: `render_page` fills `assets/page.html.jinja` with what `rows` (the layers), `summary` (cards
and tables) and `figure` (the SVG) make of a graph, a plan and a report. `dark` gives the picture its colours on
a dark screen, `embedding` puts the script libraries of `vendor/` inside, and `shown` writes values for a reader.

Imports no NumPy and no framework; Jinja2 is imported when a page is made.
"""
