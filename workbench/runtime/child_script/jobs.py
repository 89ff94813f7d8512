"""The jobs by their names; imported once TensorFlow is there."""

from __future__ import annotations

from .chain import job_chain, job_stages_check
from .pipe import Json
from .probe import job_probe, job_recorders
from .run import job_load_check, job_result, job_run

JOBS: Json = {
    "run": job_run,
    "chain": job_chain,
    "result": job_result,
    "load_check": job_load_check,
    "stages_check": job_stages_check,
    "recorders": job_recorders,
    "probe": job_probe,
}
