// A cycle across the border: Python's object holds JavaScript's, which holds Python's. Neither collector sees the whole.

export const python = `
from pyodide.ffi import create_proxy

class Widget:
    def __init__(self, element):
        self.rows = [f"row {n}" for n in range(20)]
        self.element = element
        self.handler = create_proxy(self.clicked)
        element.onclick = self.handler

    def clicked(self, event):
        return len(self.rows)

    def close(self):
        self.element.onclick = None
        self.handler.destroy()

def show(element):
    return Widget(element).clicked(None)

def show_and_close(element):
    widget = Widget(element)
    widget.close()
`;

function call(module, name) {
  const show = module.get(name);
  show({ tag: "div" });
  show.destroy();
}

export function work(module) {
  call(module, "show");
}

export function mended(module) {
  call(module, "show_and_close");
}
