/** A chapter of a container. */
export interface Chapter {
  /** Microseconds from the container's zero. */
  readonly start: bigint;
  /** Microseconds; the chapter ends before it. */
  readonly end: bigint;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The chapter's name, '' where it has none. */
export function chapterTitle(chapter: Chapter): string {
  return Object.entries(chapter.metadata).find(([key]) => key.toLowerCase() === 'title')?.[1] ?? '';
}
