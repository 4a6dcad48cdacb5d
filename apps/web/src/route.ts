/** Which view a path means. core-app serves the page for these three; `/requests/` of anything else is unknown. */

export type Route = { view: 'form' } | { view: 'history' } | { view: 'quotes'; requestId: string } | { view: 'unknown' };

const QUOTES_PATH = /^\/requests\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/?$/i;

export const HISTORY_PATH = '/requests';

export const routeOf = (path: string): Route => {
  if (path === '/') return { view: 'form' };
  if (path === HISTORY_PATH) return { view: 'history' };
  const requestId = QUOTES_PATH.exec(path)?.[1];
  return requestId === undefined ? { view: 'unknown' } : { view: 'quotes', requestId };
};

export const quotesPath = (requestId: string): string => `/requests/${requestId}`;
