/** All checks, in the order in which they run: what others rest on comes first, what ends the server last. */
import type { Check } from '../check.ts';
import { abortCycles, abortFrees } from './abort.ts';
import { drain } from './drain.ts';
import { foreignId } from './foreign-id.ts';
import * as framing from './framing.ts';
import * as headers from './headers.ts';
import { heartbeat } from './heartbeat.ts';
import { garbageId, idByHeader, idByQuery, longId } from './last-event-id.ts';
import { linearHistory } from './linear-history.ts';
import { headMethod, postMethod } from './methods.ts';
import * as resume from './resume.ts';
import { retry, retryJitter } from './retry.ts';
import { shedding } from './shedding.ts';
import { slowReaderCut, slowReaderOthers } from './slow-reader.ts';
import { terminal, terminal204 } from './terminal.ts';

export const CHECKS: readonly Check[] = [
  headers.status,
  headers.contentType,
  headers.cacheControl,
  headers.accelBuffering,
  headers.connectionClose,
  headers.contentEncoding,
  framing.blankLines,
  framing.lineEnds,
  framing.utf8,
  framing.idWithoutNul,
  framing.byteOrderMark,
  framing.knownFields,
  framing.secondEvent,
  heartbeat,
  retry,
  retryJitter,
  headMethod,
  postMethod,
  idByHeader,
  idByQuery,
  garbageId,
  longId,
  foreignId,
  abortCycles,
  abortFrees,
  resume.resumeWithoutGap,
  resume.resumeWithoutRepeat,
  resume.resumeByQuery,
  resume.resumeOnReplica,
  linearHistory,
  terminal,
  terminal204,
  slowReaderOthers,
  slowReaderCut,
  shedding,
  drain,
];
