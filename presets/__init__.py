"""The documents that the gallery offers: `<chapter>/<id>.json`, in the format that users save."""
