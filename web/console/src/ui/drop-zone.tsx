import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface DropZoneProps {
  /** What the file dialogue offers, for example `image/*`. */
  accept: string;
  label: string;
  disabled?: boolean;
  onFile: (file: File) => void;
  children?: ComponentChildren;
}

const firstFile = (transfer: DataTransfer | null) => transfer?.files?.[0] ?? null;

/** Takes one file: dropped anywhere on it, pasted anywhere in the page, or picked with the button. */
export function DropZone({ accept, label, disabled, onFile, children }: DropZoneProps) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = useRef(onFile);
  take.current = (file) => {
    if (!disabled) onFile(file);
  };
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const file = firstFile(event.clipboardData);
      if (!file) return;
      event.preventDefault();
      take.current(file);
    };
    addEventListener('paste', paste);
    return () => removeEventListener('paste', paste);
  }, []);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the button inside does the same by keyboard
    <div
      class={over ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const file = firstFile(event.dataTransfer);
        if (file) take.current(file);
      }}
    >
      <div class="buttons">
        <button type="button" class="primary" disabled={disabled} onClick={() => input.current?.click()}>
          {label}
        </button>
        {children}
      </div>
      <p class="hint">or drop it here, or paste it</p>
      <input
        ref={input}
        type="file"
        accept={accept}
        hidden
        aria-label={label}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) take.current(file);
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}
