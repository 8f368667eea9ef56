import type { ComponentType } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { HomePage } from './pages/home.js';
import { OcrPage } from './pages/ocr.js';
import { SpeechPage } from './pages/speech.js';

interface Page {
  readonly path: string;
  readonly name: string;
  readonly view: ComponentType;
}

const PAGES: readonly Page[] = [
  { path: '#/', name: 'Models', view: HomePage },
  { path: '#/ocr', name: 'Read a picture', view: OcrPage },
  { path: '#/speech', name: 'Find speech', view: SpeechPage },
];

const currentPage = () => PAGES.find((page) => page.path === location.hash) ?? PAGES[0];

export function App() {
  const [page, setPage] = useState(currentPage);
  const main = useRef<HTMLElement>(null);
  // Not an effect behind the drawing: a link that is followed before it would change the address only.
  useLayoutEffect(() => {
    const follow = () => {
      setPage(currentPage());
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    document.title = page === PAGES[0] ? 'Kinglet' : `${page.name} - Kinglet`;
  }, [page]);
  const View = page.view;
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          <img src="/kinglet.svg" alt="" width="32" height="32" /> Kinglet
        </a>
        <nav aria-label="Pages">
          {PAGES.map(({ path, name }) => (
            <a key={path} href={path} aria-current={path === page.path ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <View key={page.path} />
      </main>
      <footer>Models run on this machine, in this page. What you open stays here.</footer>
    </>
  );
}
