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
// A page that waited in the browser's store shows nothing when its visitor has signed out since. (Otherwise it is as alive as
// it was, and app/elements/live.ts has it loaded anew.)
addEventListener('pageshow', ({ persisted }) => {
  const root = document.documentElement;
  if (!persisted || root.dataset.signedIn === undefined || /(^|; )gf_signed_in=/.test(document.cookie)) return;
  root.hidden = true;
  location.reload();
});
