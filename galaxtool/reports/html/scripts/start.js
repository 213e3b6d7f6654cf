{
  const rows = new Rows();
  const details = new Details(rows);
  new View(rows, (row, among) => details.open(row, among));

  /* Pictures open the same box as rows do; Previous and Next go through those beside them. */
  const openCard = (card) => {
    const beside = Array.from(card.closest("ul").querySelectorAll(".card"), (one) => Number(one.dataset.row));
    details.open(Number(card.dataset.row), beside);
  };
  for (const card of document.querySelectorAll(".card")) {
    card.tabIndex = 0;
    card.setAttribute("role", "button");
    card.setAttribute("aria-haspopup", "dialog");
    card.addEventListener("click", () => openCard(card));
    card.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        openCard(card);
      }
    });
  }
  document.documentElement.classList.add("scripted");

  /* A class in the summary leads to its images below. */
  for (const line of document.querySelectorAll(".classes tr[data-class]")) {
    const head = line.querySelector("th");
    const link = make("a", { href: "#" + new URLSearchParams({ class: line.dataset.class }) }, ...head.childNodes);
    head.append(link);
  }
}
