# The sample application, as users of the package would build theirs.
FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY libs/rate-limit/package.json libs/rate-limit/
COPY apps/sample/package.json apps/sample/
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:20-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0
COPY --from=build /app .
USER node
EXPOSE 3000
CMD ["node", "apps/sample/dist/main.js"]
