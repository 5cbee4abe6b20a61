"""Style transfer as a job: pictures from files, previews, exact resume, safe outputs."""
