"""A laid-out scene as terminal text, SVG, DOT, Mermaid, HTML or JSON."""
