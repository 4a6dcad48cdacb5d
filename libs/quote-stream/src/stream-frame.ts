/** The frames of the stream (design §5) as values. What the server sends is trusted: it checked it when it wrote it. */
import type { EndFrame, HeartbeatFrame, QuoteFrame, QuotesBody } from '@osago/contracts';

/** `event:` names. A name that is not here never reaches the page. */
export const FRAME_KINDS = ['snapshot', 'quote', 'heartbeat', 'done', 'timeout', 'bye'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

export type StreamFrame =
  | { kind: 'snapshot'; body: QuotesBody }
  | { kind: 'quote'; quote: QuoteFrame }
  | { kind: 'heartbeat'; heartbeat: HeartbeatFrame; receivedAtMs: number }
  | { kind: 'done' | 'timeout'; end: EndFrame }
  | { kind: 'bye' };

export const decodeFrame = (kind: FrameKind, data: string, receivedAtMs: number): StreamFrame => {
  switch (kind) {
    case 'snapshot':
      return { kind, body: JSON.parse(data) as QuotesBody };
    case 'quote':
      return { kind, quote: JSON.parse(data) as QuoteFrame };
    case 'heartbeat':
      return { kind, heartbeat: JSON.parse(data) as HeartbeatFrame, receivedAtMs };
    case 'done':
    case 'timeout':
      return { kind, end: JSON.parse(data) as EndFrame };
    case 'bye':
      return { kind };
  }
};
