// Requests to the page's own server. What goes wrong is a Failure with a sentence and a hint.

export class Failure extends Error {
  constructor(message, hint = "", status = 0) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

export const get = (path, options = {}) => ask(path, { method: "GET", ...options });

export const post = (path, body = {}, options = {}) =>
  ask(path, { method: "POST", body: JSON.stringify(body), ...options });

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The page has lost its server.", "Start it again: ganwerk serve");
  }
  if (response.status === 401) {
    throw new Failure("The page is closed to you.", "Open the address of `ganwerk serve`.", 401);
  }
  let value;
  try {
    value = await response.json();
  } catch {
    value = { error: `The server answered with status ${response.status}.` };
  }
  if (!response.ok) {
    throw new Failure(value.error ?? "It did not work.", value.hint ?? "", response.status);
  }
  return value;
}
