// As much of the frameworks as the adapters use: their packages are the application's.

declare module "react" {
  export function useSyncExternalStore<T>(subscribe: (listener: () => void) => () => void, get: () => T, getServer: () => T): T;
}
declare module "vue" {
  export interface ShallowRef<T> {
    value: T;
  }
  export function shallowRef<T>(value: T): ShallowRef<T>;
  export function onScopeDispose(then: () => void): void;
}
declare module "solid-js" {
  export type Accessor<T> = () => T;
  export function from<T>(producer: (set: (next: () => T) => void) => () => void, initial: T): Accessor<T>;
}
