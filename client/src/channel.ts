// Tabs of one browser tell each other what the server said, so that those who hear need not ask. Nothing is stored: where there
// is no BroadcastChannel, a number in localStorage says that something has changed, and whoever sees it asks the server.

export interface Channel {
  open(): void;
  close(): void;
  tell(message: object): void;
}

export function channelOf(name: string, hear: (message: unknown) => void): Channel {
  let channel: BroadcastChannel | null = null;
  let stored: ((event: StorageEvent) => void) | null = null;
  const close = () => {
    channel?.close();
    if (stored) globalThis.removeEventListener?.("storage", stored);
    channel = stored = null;
  };
  return {
    close,
    open() {
      close();
      try {
        channel = new BroadcastChannel(name);
        channel.onmessage = (event) => hear(event.data);
      } catch {
        stored = (event) => event.key == name && hear(null);
        globalThis.addEventListener?.("storage", stored);
      }
    },
    tell(message) {
      try {
        if (channel) channel.postMessage(message);
        else if (stored) localStorage.setItem(name, String(Math.random()));
      } catch {
        // A frame whose storage is blocked: tabs learn of it when they are looked at.
      }
    },
  };
}
