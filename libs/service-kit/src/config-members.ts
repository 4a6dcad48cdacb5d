/** Members that the configuration of every app has. */
import { type TLiteral, Type } from '@sinclair/typebox';
import { LOG_LEVELS, type LogLevel } from './log.ts';

export const port = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, description });

export const processMembers = (app: string) => ({
  PRIVATE_PORT: port('Private port: health and metrics'),
  POD_NAME: Type.String({ default: app, description: 'Name of this pod in logs and on the broker' }),
  LOG_LEVEL: Type.Union<TLiteral<LogLevel>[]>(
    LOG_LEVELS.map((level) => Type.Literal(level)),
    { default: 'info', description: `Least level that is logged: ${LOG_LEVELS.join(', ')}` },
  ),
  STOP_TIMEOUT_MS: Type.Integer({
    minimum: 1_000,
    default: 15_000,
    description: 'From SIGTERM to a forced exit',
  }),
});
