// An event handler made with create_proxy each time that something is drawn, and never taken off.

export const python = `
from pyodide.ffi import create_proxy

class Chart:
    def __init__(self):
        self.points = [(n, n * n) for n in range(100)]

def draw(button):
    chart = Chart()

    def redraw(event):
        return len(chart.points)

    handler = create_proxy(redraw)
    button.addEventListener("click", handler)
    return handler

def draw_and_remove(button):
    handler = draw(button)
    button.removeEventListener("click", handler)
    handler.destroy()
`;

const button = new EventTarget();

export function work(module) {
  const draw = module.get("draw");
  draw(button);
  draw.destroy();
}

export function mended(module) {
  const draw = module.get("draw_and_remove");
  draw(button);
  draw.destroy();
}
