"""A graph as a picture, for a terminal or as SVG, DOT, Mermaid, HTML or JSON.

`build.build_scene` decides what to draw, `layout.lay_out` where, `canvas.Canvas` and `svg.to_svg` draw it;
`dot.to_dot` and `mermaid.to_mermaid` write the scene for other tools to lay out; `html.to_html` writes a whole one as a
page that lays out what is open by itself.
"""
