// The page of a passkey: the button asks the browser, and the form takes its answer to the server.
import { available, enroll, signIn } from "/static/passkey.js";

const form = document.getElementById("passkey");
const problem = document.getElementById("passkey-error");
const WHY = {
  NotAllowedError: "Nothing was done: it was cancelled, or took too long.",
  InvalidStateError: "This device has a passkey for you already.",
};

if (!available()) problem.textContent = "This browser knows no passkeys.";

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const ask = form.dataset.ceremony === "enroll" ? enroll : signIn;
    form.elements.response.value = await ask(form.dataset.options);
    form.submit();
  } catch (error) {
    problem.textContent = WHY[error.name] ?? `The browser says: ${error.name}`;
  }
});
