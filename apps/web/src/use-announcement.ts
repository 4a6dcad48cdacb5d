/** What a screen reader is told: each price and outcome as it arrives, once; nothing for what was there at first. */
import type { Quote } from '@osago/contracts';
import { useEffect, useRef, useState } from 'react';
import { arrivals, outcomeWords } from './quote-words.ts';
import type { Texts } from './texts.ts';

export const useAnnouncement = (texts: Texts, quotes: readonly Quote[]): string => {
  const [announcement, setAnnouncement] = useState('');
  const told = useRef(quotes);
  useEffect(() => {
    const before = told.current;
    told.current = quotes;
    if (before.length === 0) return;
    const news = arrivals(before, quotes).map((quote) =>
      texts.quotes.arrived(quote.name, outcomeWords(texts, quote)),
    );
    if (news.length > 0) setAnnouncement(news.join('. '));
  }, [texts, quotes]);
  return announcement;
};
