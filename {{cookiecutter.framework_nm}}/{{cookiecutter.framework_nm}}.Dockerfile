{% set sdk = cookiecutter._sdks[cookiecutter.serving_sdk] %}
# Built with BuildKit: docker build -f {{ cookiecutter.framework_nm }}.Dockerfile -t {{ cookiecutter.__image }} .
ARG BASE_IMAGE=python:{{ cookiecutter.python_version }}-slim

FROM ${BASE_IMAGE} AS build
# "train" for an image that can train, too.
ARG EXTRAS=""
RUN python -m venv /venv
WORKDIR /workdir
# The dependencies first: they change less often than the code does.
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip /venv/bin/pip install -r requirements.txt
COPY README.md setup.py ./
COPY {{ cookiecutter.__package }} {{ cookiecutter.__package }}
RUN --mount=type=cache,target=/root/.cache/pip \
    /venv/bin/pip install ".${EXTRAS:+[$EXTRAS]}" && /venv/bin/pip uninstall --yes pip

FROM ${BASE_IMAGE}
{% if cookiecutter._frameworks[cookiecutter.framework_nm].debian %}
RUN apt-get update && \
    apt-get install -y --no-install-recommends {{ cookiecutter._frameworks[cookiecutter.framework_nm].debian | join(" ") }} && \
    rm -rf /var/lib/apt/lists/*
{% endif %}
COPY --from=build /venv /venv
COPY --chmod=755 run_modelserver /usr/local/bin/run_{{ cookiecutter.__package }}
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MODEL_NAME="" \
    HTTP_PORT="8080" \
{% if "grpc" in sdk.features %}
    GRPC_PORT="8081" \
{% endif %}
    MODEL_DIR="/mnt/models"
EXPOSE 8080{% if "grpc" in sdk.features %} 8081{% endif %}

# A number, so that Kubernetes can see that it is not root.
USER 1000:1000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://localhost:{os.environ[\"HTTP_PORT\"]}/v2/health/live')"]
ENTRYPOINT ["run_{{ cookiecutter.__package }}"]
