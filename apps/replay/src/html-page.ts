/** A page that is one file: no script, no font, no picture from elsewhere. */

export const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** One colour for each status, told apart also by those who see few; `ink` is for text and lines. */
export const COLOURS: Readonly<Record<string, string>> = {
  waiting: '#d6dbe1',
  submitted: '#a9c4e6',
  estimated: '#6f9fd8',
  quoted: '#1f8a5b',
  declined: '#8b6fc0',
  needs_data: '#d9a514',
  error: '#c8402f',
  timeout: '#e07b39',
  skipped: '#8c939c',
  cancelled: '#5a6068',
  ink: '#20262e',
  pale: '#66707c',
  line: '#e3e7eb',
};

export const colourOf = (status: string): string => COLOURS[status] ?? COLOURS['skipped'] ?? '#888';

const STYLE = `
  body { font: 15px/1.5 system-ui, sans-serif; color: ${COLOURS['ink']}; background: #fff;
         margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 64rem }
  h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem }
  p { margin: .25rem 0; color: ${COLOURS['pale']} } code { font-size: 12px }
  svg { width: 100%; height: auto; display: block; font: 12px system-ui, sans-serif }
  svg text { fill: ${COLOURS['ink']} } svg .pale { fill: ${COLOURS['pale']} }
  table { border-collapse: collapse; width: 100%; font-size: 13px }
  td, th { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid ${COLOURS['line']} }
  td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
  .figures { display: flex; flex-wrap: wrap; gap: 2rem; margin: 1.5rem 0 }
  .figures b { display: block; font-size: 1.6rem; line-height: 1.2 }
  .legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin-top: .5rem; font-size: 12px }
  .legend i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; border-radius: 2px }
  @media print { body { padding: 0 } h2 { break-after: avoid } svg { break-inside: avoid } }`;

export const legend = (statuses: readonly string[]): string =>
  `<div class="legend">${statuses
    .map((status) => `<span><i style="background:${colourOf(status)}"></i>${escapeHtml(status)}</span>`)
    .join('')}</div>`;

export const htmlPage = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}
</style>
${body}
</html>
`;
