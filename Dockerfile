# syntax=docker/dockerfile:1
#
# The apps, as images: docker build --target core-app . (or osago-aggregator, or insurer-simulator)
#
# Sources are run as they are, by Node's type stripping. It refuses files under node_modules, so the workspaces stay
# where they are and node_modules holds links to them, as in a checkout; nothing is compiled but the page.
#
# No init process: Node is PID 1, main.ts handles SIGTERM and SIGINT itself, and no app starts a child that would have
# to be reaped. Node 24 comes from the base image; the npm package "node" is for checkouts only.

# The version of the devDependency "node" in package.json; a test keeps them equal.
ARG NODE_VERSION=24.21.0

# What decides which packages are installed, and nothing else: the layers after it are made anew only when that changes.
FROM node:${NODE_VERSION}-slim AS manifests
WORKDIR /all
COPY . .
RUN mkdir /manifests && cp --parents package.json package-lock.json .npmrc \
      apps/*/package.json libs/*/package.json tools/*/package.json e2e/package.json /manifests

FROM node:${NODE_VERSION}-slim AS packages
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --omit=dev --ignore-scripts \
      -w apps/core-app -w apps/osago-aggregator -w apps/insurer-simulator -w apps/platform -w tools/topics \
      -w libs/contracts -w libs/event-bus -w libs/quotes -w libs/service-kit

FROM node:${NODE_VERSION}-slim AS page
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --ignore-scripts
COPY tsconfig.base.json ./
COPY libs ./libs
COPY apps/web ./apps/web
RUN npm run build -w @osago/web

FROM node:${NODE_VERSION}-slim AS runtime
# Type stripping announces itself as experimental on every start. A catch-up makes much that dies young: with 16 MB for it, as
# Node has, a third of the time goes into what it moves to the old generation too early.
ENV NODE_ENV=production NODE_OPTIONS="--disable-warning=ExperimentalWarning --max-semi-space-size=64" PRIVATE_PORT=9090
WORKDIR /app
COPY --from=packages /app ./
COPY libs ./libs
COPY config ./config
USER node
STOPSIGNAL SIGTERM
EXPOSE 9090
# Live, not ready: an engine that restarts what is unhealthy must not do so because a broker is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.PRIVATE_PORT}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

FROM runtime AS osago-aggregator
COPY apps/osago-aggregator ./apps/osago-aggregator
CMD ["node", "apps/osago-aggregator/src/main.ts"]

# The ten insurers of development. It has one port, for its API and its health.
FROM runtime AS insurer-simulator
COPY apps/insurer-simulator ./apps/insurer-simulator
ENV PORT=8090 PRIVATE_PORT=8090
EXPOSE 8090
CMD ["node", "apps/insurer-simulator/src/main.ts"]

# Last, so it is what a build without a target makes. It also brings what is run once before the apps:
# apps/core-app/src/migrate.ts, tools/topics/src/main.ts, and the keys of docker-compose.yml.
FROM runtime AS core-app
COPY topics ./topics
COPY tools/topics ./tools/topics
COPY apps/platform/src/keyrings.ts ./apps/platform/src/keyrings.ts
COPY apps/core-app ./apps/core-app
COPY --from=page /app/apps/web/dist ./apps/web/dist
ENV PORT=8080 WEB_DIR=apps/web/dist
EXPOSE 8080
CMD ["node", "apps/core-app/src/main.ts"]
