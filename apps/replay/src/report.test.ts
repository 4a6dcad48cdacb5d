import { describe, expect, it } from '@jest/globals';
import { binsOf, reportHtml } from './report.ts';
import { at, givenLog, OTHER_ID, writeWholeRequest } from './replay-given.ts';
import { duckOverTopics } from './sql.ts';

const reportOf = async (log: ReturnType<typeof givenLog>): Promise<string> => {
  const duck = await duckOverTopics(log, { fromMs: 0 }, at(70_000));
  const html = await reportHtml(duck, { fromMs: at(0), toMs: at(70_000) });
  await duck.close();
  return html;
};

describe('the report', () => {
  it('is one file that asks nobody for anything', async () => {
    const log = givenLog();
    writeWholeRequest(log);
    writeWholeRequest(log, OTHER_ID, 2);
    const html = await reportOf(log);
    expect(html.match(/<svg/g)).toHaveLength(4);
    expect(html).toContain('<b>2</b>requests');
    expect(html).toContain('<b>100.0 %</b>with a quote');
    expect(html).toContain('alfa: half of 2 within 2 s');
    expect(html).toContain('gamma timeout: 2 of 2');
    expect(html).not.toMatch(/<script|<link|<img|@import|url\(|(?:src|href)=|NaN|undefined/);
  });

  it('says so where nothing happened', async () => {
    const html = await reportOf(givenLog());
    expect(html.match(/Nothing in this window/g)).toHaveLength(4);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('puts every price into one bin of a round width', () => {
    const bins = binsOf([4_990, 5_000, 5_120, 9_800]);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(4);
    expect(bins[0]).toEqual({ from: 4_750, to: 5_000, count: 1 });
    expect(binsOf([])).toEqual([]);
    expect(binsOf([100])).toEqual([{ from: 100, to: 150, count: 1 }]);
  });
});
