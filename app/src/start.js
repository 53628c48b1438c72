// Brings the page to life once it is whole and has been painted: what is loaded sooner takes the processor from the first
// picture. The frame after the next begins when the next is on its way. A page that nobody looks at has no frames; it starts
// a second after it came.
(({ elements, script, program }) => {
  const come = new Promise((tell) => addEventListener('DOMContentLoaded', tell));
  const frame = () => new Promise((tell) => requestAnimationFrame(tell));
  const second = () => new Promise((tell) => setTimeout(tell, 1_000));
  come.then(() => Promise.race([frame().then(frame), second()])).then(() => {
    if (elements) import(elements);
    const bytes = fetch(program);
    import(script).then((made) => made.default({ module_or_path: bytes }).then(() => made.hydrate()));
  });
})(document.currentScript.dataset);
