# Spark Control as an image: no root, no shell needed, /data is the only place that is written to.
#
#   docker build -t spark-control .
#   docker run -d -p 9999:9999 -v spark-control:/data --read-only spark-control
#
# Both bases are arguments, for a registry of your own or a base made by hand: Bun at /usr/local/bin/bun and the
# libraries it needs is all that is asked of them. Both are published for linux/amd64 and linux/arm64. By digest instead of tag:
# docs/guides/packaging.md.
ARG BUILD_IMAGE=docker.io/oven/bun:1.4.5-slim
ARG RUNTIME_IMAGE=docker.io/oven/bun:1.4.5-distroless

# No package has a part in machine code, so that what is made here serves every architecture: it runs on the builder's own.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY package.json bun.lock bunfig.toml ./
COPY tests/types/package.json tests/types/
RUN bun install --frozen-lockfile --production --ignore-scripts --linker=hoisted
COPY lib lib
COPY public public
RUN bun public/_build.ts
# Without what only the build needs, and what nobody asks for.
RUN cd node_modules \
  && rm -rf .bin spark-control spark-control-consumer typescript @typescript cpu-features nan buildcheck \
    @fontsource-variable terser acorn commander source-map source-map-support buffer-from @jridgewell \
  && find . -name '*.map' -delete \
  && cd swagger-ui-dist && rm -f *-es-* *.html swagger-ui.js swagger-ui-standalone-preset.js \
  && mkdir -p -m 700 /volume/data

FROM ${RUNTIME_IMAGE}
ARG VERSION=1.0.0:0
ARG REVISION=
LABEL org.opencontainers.image.title="Spark Control" \
  org.opencontainers.image.description="Control plane and GPU arbiter of a small AI cluster" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"

# The limit of requests at a time is read by Bun at its start only. Nothing is cached outside of /data, and there nothing of Bun's.
ENV NODE_ENV=production \
  PORT=9999 \
  DATA_DIR=/data \
  HOME=/data \
  BUN_CONFIG_MAX_HTTP_REQUESTS=16384 \
  BUN_RUNTIME_TRANSPILER_CACHE_PATH=0

WORKDIR /app
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE ./
COPY config config
COPY lib lib
COPY routes routes
COPY --from=build --chown=65532:65532 /volume/ /

# "nonroot" of the distroless images; a number, so that a runtime can tell that it is not root.
USER 65532:65532
VOLUME /data
EXPOSE 9999
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["/usr/local/bin/bun", "/app/routes/_health-check.ts"]
ENTRYPOINT ["/usr/local/bin/bun", "/app/routes/_server.ts"]
