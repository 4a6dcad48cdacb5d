/** A real link that stays inside the page; opened in a new tab it loads the page anew. */
import type { MouseEvent, ReactNode } from 'react';
import type { Go } from './use-path.ts';

interface Props {
  to: string;
  go: Go;
  className: string;
  /** What is read out where the content does not say it. */
  label?: string;
  testId?: string;
  children: ReactNode;
}

export const PageLink = ({ to, go, className, label, testId, children }: Props) => {
  const follow = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={to} className={className} title={label} data-testid={testId} onClick={follow}>
      {children}
    </a>
  );
};
