// A question to a command of ganwerk, asked until it is answered.
import { useEffect, useState } from "../core/dom.js";
import { Failure, get, post } from "../core/api.js";

const AGAIN_MS = 400;

// body: what POST `path` takes, or null for no question. Returns {id, said, command, answer, error}.
export function useQuery(body, path = "/api/queries") {
  const key = body && JSON.stringify(body);
  const [known, set] = useState({});
  useEffect(() => {
    let over = false;
    set({});
    const tell = (change) => over || set((before) => ({ ...before, ...change }));
    const run = async () => {
      let { id } = await post(path, body);
      tell({ id });
      while (!over) {
        try {
          const told = await get(`/api/queries/${id}`);
          tell({ said: told.said, command: told.command });
          if (told.answer?.ok) return tell({ answer: told.answer });
          if (told.answer) throw new Failure(told.answer.error, told.answer.hint, 400);
        } catch (error) {
          if (error.status === 400 && !/not known/.test(error.message)) throw error;
          // The server was away, or is another one now: the same question again
          if (error.status === 400) ({ id } = await post(path, body));
          tell({ id });
        }
        await new Promise((resume) => setTimeout(resume, AGAIN_MS));
      }
    };
    if (key) run().catch((error) => tell({ error }));
    return () => (over = true);
  }, [key]);
  return known;
}
