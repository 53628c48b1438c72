// Brings the page to life once it is whole and has been painted: what is loaded sooner takes the processor from the first
// picture. A page that nobody looks at is not painted; it starts a second after it came.
(({ elements, script, program }) => {
  const come = new Promise((tell) => addEventListener('DOMContentLoaded', tell));
  const painted = new Promise((tell) => {
    const watch = new PerformanceObserver((list) => { if (list.getEntriesByName('first-contentful-paint').length > 0) tell(); });
    watch.observe({ type: 'paint', buffered: true });
  });
  const second = () => new Promise((tell) => setTimeout(tell, 1_000));
  come.then(() => Promise.race([painted, second()])).then(() => {
    if (elements) import(elements);
    const bytes = fetch(program);
    import(script).then((made) => made.default({ module_or_path: bytes })).then((made) => made.hydrate());
  });
})(document.currentScript.dataset);
