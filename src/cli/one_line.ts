/** Messages as one harmless line, whatever a user, a file name or a file's content has put into them. */

const MESSAGE_CHARACTERS_MAX = 1000;

/** Control characters are written out, so that they neither break the line nor reach the terminal. */
export function oneLine(message: string): string {
  const cut =
    message.length > MESSAGE_CHARACTERS_MAX ? `${message.slice(0, MESSAGE_CHARACTERS_MAX)}...` : message;
  return cut.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => JSON.stringify(character).slice(1, -1));
}
