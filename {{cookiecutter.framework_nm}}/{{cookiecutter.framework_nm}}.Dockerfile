{% set fw = cookiecutter._frameworks[cookiecutter.framework_nm] %}
{% set fw = dict(fw, **fw.get(cookiecutter.serving_sdk, {})) %}
{% set sdk = cookiecutter._sdks[cookiecutter.serving_sdk] %}
{% set quiet = dict(sdk.quiet, **fw.quiet) %}
# It needs BuildKit: docker build -f {{ cookiecutter.framework_nm }}.Dockerfile -t {{ cookiecutter.__image }} .
ARG BASE_IMAGE=python:{{ cookiecutter.python_version }}-slim

FROM ${BASE_IMAGE} AS build
# The package index, if it is not PyPI.
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX=${PIP_INDEX_URL}
ENV UV_LINK_MODE=copy VIRTUAL_ENV=/venv PATH=/uv/bin:$PATH
# /venv first: made with the Python of /uv, an old Python's /venv would link to /uv, which the final image does not have.
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /venv && python -m venv /uv && pip install {{ cookiecutter._uv }}
WORKDIR /workdir
# The dependencies come first, because they change less often than the code.
{% if fw.unlocked %}
# This has a build for each device, so no lock has it.
ARG PIP_EXTRA_INDEX_URL={{ fw.index }}
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --no-deps --extra-index-url "$PIP_EXTRA_INDEX_URL" {{ fw.unlocked | join(" ") }}
{% endif %}
COPY requirements.lock .
# The libraries' own tests, a seventh of all files, are not needed. Bytecode is: the file system will be read-only.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --require-hashes --only-binary :all: --no-deps -r requirements.lock && \
    find /venv -type d -name tests -prune -exec rm -r {} + && \
    { python -m compileall -qq -j 0 /venv/lib || true; }
COPY README.md pyproject.toml requirements.txt setup.py ./
COPY {{ cookiecutter.__package }} {{ cookiecutter.__package }}
# "train" for an image that can train{% if "storage" in sdk.extras %}, "storage" for one that downloads its model itself, "storage,train" for both{% endif %}.
{% for name in dict(sdk.extras, **fw.extras) if name not in ("push", "storage") %}
# "{{ name }}" {{ {"mlflow": "for one that logs versions with MLflow (MLFLOW_TRACKING_URI), beside train", "otel": "for one that traces requests (OTEL_*)", "score": "for one that scores tables", "sign": "for one that checks signatures (VERIFY_KEY)", "skops": "for one that serves model.skops", "tune": "for one that searches hyperparameters (--tune), beside train"}[name] }}.
{% endfor %}
ARG EXTRAS=""
{% if fw.gpu %}
# Any value makes an image for a GPU.
ARG GPU=""
{% endif %}
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --no-build-isolation ".${EXTRAS:+[$EXTRAS]}" && \
{% if fw.gpu %}
    if [ -n "$GPU" ]; then \
        uv pip uninstall {{ fw.gpu.remove | join(" ") }} && \
        uv pip install {{ "--extra-index-url " ~ fw.gpu.index ~ " --index-strategy unsafe-best-match " if fw.gpu.index }}"{{ fw.gpu.install | join('" "') }}"; \
    fi && \
{% endif %}
    { python -m compileall -qq -j 0 /venv/lib || true; } && \
    /venv/bin/python -m {{ cookiecutter.__package }}._engine.licences /licenses

FROM ${BASE_IMAGE}
# The official image has no bytecode, and the server's user may not write any: without this, each start takes a second
# longer.
RUN python -m compileall -qq -j 0 -x site-packages "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" || true
LABEL org.opencontainers.image.title="{{ cookiecutter.__package }}" \
      org.opencontainers.image.description="Serves {{ fw.title }} models over {{ sdk.protocols }}" \
{% if "platforms" in sdk.features %}
      com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
{% endif %}
      org.opencontainers.image.version="{{ cookiecutter.image_tag }}"
{% if fw.debian %}
# Slim images leave out the folder of manual pages, and Java's package does not install without it. Debian keeps no old
# versions that could be pinned.
# hadolint ignore=DL3008
RUN mkdir -p /usr/share/man/man1 && \
    apt-get update && \
    apt-get install -y --no-install-recommends {{ fw.debian | join(" ") }} && \
    rm -rf /var/lib/apt/lists/*
{% endif %}
COPY --from=build /venv /venv
COPY --from=build /licenses /licenses
COPY --chmod=755 run_modelserver /usr/local/bin/run_{{ cookiecutter.__package }}
{% if quiet %}
# As in the package's __init__.py, for your own programs: libraries send no usage reports.
ENV{% for name, value in quiet | dictsort %} {{ name }}={{ value }}{% endfor %}

{% endif %}
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MODEL_NAME="" \
    HTTP_PORT="8080" \
{% if "grpc" in sdk.features %}
    GRPC_PORT="8081" \
{% endif %}
    MODEL_DIR="/mnt/models"
EXPOSE 8080{{ " 8081" if "grpc" in sdk.features }}
# A number, so that Kubernetes can see that the user is not root.
USER 1000:1000
# Not urllib, which would ask the proxy that http_proxy may name.
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import http.client, os; link = http.client.HTTPConnection('localhost', int(os.environ['HTTP_PORT'] or 8080)); link.request('GET', '/v2/health/live'); exit(link.getresponse().status != 200)"]
ENTRYPOINT ["run_{{ cookiecutter.__package }}"]
