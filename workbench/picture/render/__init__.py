"""A laid-out scene as terminal text, SVG, DOT or Mermaid."""
