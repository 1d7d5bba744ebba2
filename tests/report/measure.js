// What the browser makes of a page of the report: appended to a copy, it writes JSON into the document.
const box = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom] };
const all = (e, what, how) => [...e.querySelectorAll(what)].map(how);
const charts = [...document.querySelectorAll('svg.chart')].filter(s => s.getBoundingClientRect().width).map(svg => ({
  label: svg.getAttribute('aria-label'), box: box(svg),
  scale: svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
  texts: all(svg, 'text', t => [t.textContent, box(t)]),
  lines: all(svg, '.mark-line path', p => ({box: box(p), colour: getComputedStyle(p).stroke})),
  rules: all(svg, '.role-mark.mark-rule line', l => box(l)[0]),
  colours: all(svg, 'text', t => getComputedStyle(t).fill),
}));
const said = document.createElement('pre');
said.id = 'measured';
said.textContent = JSON.stringify({charts, pwned: typeof pwned,
  paper: getComputedStyle(document.body).backgroundColor,
  scripts: document.scripts.length, images: document.images.length,
  fetched: performance.getEntriesByType('resource').length, wide: document.documentElement.scrollWidth - innerWidth,
  open: all(document, 'details', d => d.open), cells: all(document, 'figure td', d => d.textContent),
  claims: all(document, '.claims tbody td', d => [d.textContent, box(d)[2]]), window: innerWidth});
document.body.append(said);
