// A page of modules cannot load its parts when it is opened as a file. This script is none.

if (location.protocol === "file:") {
  document.body.classList.add("waiting", "failed");
  document.getElementById("sentence").textContent = "A web server has to send this page; opened as a file it cannot load its parts. "
    + "Put the folder on a web host, try it here with: python -m http.server, or make one file of it: ganwerk publish RUN page.html --one-file";
}
