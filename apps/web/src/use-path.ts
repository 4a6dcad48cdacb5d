/** The path of the page, as state. */
import { useCallback, useEffect, useState } from 'react';

export type Go = (path: string) => void;

export const usePath = (): { path: string; go: Go } => {
  const [path, setPath] = useState(() => location.pathname);
  useEffect(() => {
    const follow = (): void => setPath(location.pathname);
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);
  const go = useCallback((to: string) => {
    history.pushState(null, '', to);
    setPath(to);
  }, []);
  return { path, go };
};
