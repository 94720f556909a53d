# One image serves app, command line and Ray's workers, so that all of them have the same Python and packages.
FROM python:3.11.14-slim-bookworm

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements.txt requirements-cluster.txt ./

# torch as pip finds it computes on NVIDIA GPUs and brings all of CUDA that it needs but the driver. With this
# argument, the address of an index of PyTorch's, it is taken from there: the one for CPUs is gigabytes smaller.
ARG TORCH_INDEX=""
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install --index-url "$TORCH_INDEX" "$(grep -o '^torch==[0-9.]*' requirements.txt)"; \
    fi && pip install -r requirements-cluster.txt

COPY . .
# Everything that the app would write into its own folder, which it cannot.
RUN python -m compileall -q kobert_demo pages \
    && python -c "from kobert_demo.ui.plotly_file import publish_plotly; publish_plotly()" \
    && useradd --uid 10001 --create-home kobert \
    && install --directory --owner=kobert --group=kobert /workspace

ENV KOBERT_DEMO_WORKSPACE=/workspace HF_HOME=/workspace/huggingface \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 RAY_USAGE_STATS_ENABLED=0
VOLUME /workspace
USER 10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen as get; assert get('http://127.0.0.1:8501/_stcore/health').read() == b'ok'"]
CMD ["streamlit", "run", "streamlit_app.py"]
