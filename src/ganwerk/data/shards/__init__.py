"""Pictures decoded once, in files of many: from a folder, over http, or from an object store."""
