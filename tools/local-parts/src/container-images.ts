/** The images of docker-compose.yml, which a test holds them to. */
export const IMAGES = {
  postgres: 'postgres:18-alpine',
  kafka: 'apache/kafka:4.3.1',
  redis: 'valkey/valkey:8-alpine',
} as const;
