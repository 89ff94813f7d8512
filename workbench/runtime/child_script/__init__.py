"""The child process: runs TensorFlow for a parent that never imports it.

Standalone. It is started as `PYTHON -u start.py IN OUT PARENT` by `child_process` under any Python >= 3.8 that has
TensorFlow >= 2.0; its modules import each other alone. Those that import TensorFlow are loaded once it is there.

IN and OUT are file descriptors of two private pipes (0 and 1 where a system can't pass others); what
TensorFlow prints to stdout and stderr, which are the log. PARENT is the pid of the process to die with.
Both pipes carry one JSON object a line:

- first in: `{"imports": [module], "op_libraries": [path]}`
- then in:  `{"id": n, "job": "run" | "chain" | "result" | "load_check" | "stages_check" | "recorders" | "probe", …}`,
  see the `job_*` functions
- out: `{"event": "ready", "versions": {…}}` once, or `{"event": "failed", "kind", "message"}`
- out: `{"event": "progress", "id": n, "text": …}` any number of times, then for each job one of
  `{"id": n, "answer": {…}}`, `{"id": n, "error": ERROR}` (TensorFlow raised) or
  `{"id": n, "bug": traceback}`.

ERROR is `{"type", "message", "phase": "load" | "run" | "input"}`.
An array is `{"dtype", "shape", "data": base64}`, little-endian and row-major, or
`{"dtype": "string", "shape", "strings": [base64]}`.
A model is `{"path", "shown", "kind": "saved_model" | "graphdef", "tags": [tag], "inline": whether a
Session may inline what its graph calls}`; errors and strings that it gives have the second path in place of the first.
A port is `{"kind": "dense" | "sparse" | "composite", "tensors": [name], "slots": [slot]}`: its component
tensors, and the names its values have in samples and answers; with `"default"`, an array, for an input that has one.
"""
