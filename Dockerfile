# Two stages: the first compiles and builds, the second holds what runs.
FROM node:22-bookworm AS build
WORKDIR /atelier
COPY . .
# Installs, compiles and builds as a first start does (and then only shows the help), then drops the build tools.
RUN node server/bootstrap/start.mjs --help > /dev/null && npm prune --omit=dev && rm -rf models outputs

FROM node:22-bookworm-slim
WORKDIR /atelier
COPY --from=build /atelier /atelier
RUN mkdir -p models outputs data && chown node:node models outputs data
# Uid 1000.
USER node
ENV NODE_ENV=production ATELIER_HOST=0.0.0.0 ATELIER_INSECURE_OPEN=1
EXPOSE 7860
VOLUME ["/atelier/models", "/atelier/outputs", "/atelier/data"]
HEALTHCHECK --interval=30s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7860/healthz/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The built server itself: nothing is set up any more, so the root file system may be read-only.
CMD ["node", "server/dist/src/serve.js"]
