{% set fw = cookiecutter._frameworks[cookiecutter.framework_nm] %}
{% set fw = dict(fw, **fw.get(cookiecutter.serving_sdk, {})) %}
{% set quiet = dict(cookiecutter._sdks[cookiecutter.serving_sdk].quiet, **fw.quiet) %}
"""Train a {{ cookiecutter._frameworks[cookiecutter.framework_nm].title }} model, and serve it over {{ cookiecutter._sdks[cookiecutter.serving_sdk].protocols }}.

`trainer` trains and holds the model; `inferencer` serves it. They meet in `trainer.model.MyModel`.
"""
{% if quiet %}

import os

# No library reports on its use, asks the network for anything by itself, or warns of what does no harm. They read these
# when they are imported, so import this package first. What you set yourself stays.
{% for name, value in quiet | dictsort %}
os.environ.setdefault("{{ name }}", "{{ value }}")
{% endfor %}
{% endif %}
