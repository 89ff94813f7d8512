"""A graph as a picture, for a terminal or as SVG, DOT or Mermaid.

`build.build_scene` decides what to draw, `layout.lay_out` where, `canvas.Canvas` and `svg.to_svg` draw it;
`dot.to_dot` and `mermaid.to_mermaid` write the scene for other tools to lay out.
"""
