/** Control characters but for tab and new line, and those that turn the direction of text. */
const CONTROL = /(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** Text of others as a terminal may show it: what would move the cursor, change colours or titles, or turn text around stands as a mark. */
export const plainText = (text: string): string => text.replaceAll(CONTROL, '\ufffd');
