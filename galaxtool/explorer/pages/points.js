// Points drawn by WebGL: a million places and colours, moved and zoomed by four numbers.

const VERTEX = `
attribute vec2 place;
attribute vec4 color;
uniform vec2 center;
uniform vec2 scale;
uniform float size;
varying vec4 tint;
void main() {
  gl_Position = vec4((place - center) * scale, 0.0, 1.0);
  gl_PointSize = size;
  tint = color;
}`;

const FRAGMENT = `
precision mediump float;
varying vec4 tint;
uniform float ring;
uniform float opacity;
void main() {
  float r = length(gl_PointCoord - 0.5) * 2.0;
  float cover = 1.0 - smoothstep(0.75, 1.0, r);
  if (ring > 0.0) cover *= smoothstep(0.45, 0.6, r);
  float alpha = cover * tint.a * opacity;
  if (alpha < 0.01) discard;
  gl_FragColor = vec4(tint.rgb * alpha, alpha);
}`;

function compile(gl, kind, source) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
  return shader;
}

export class Points {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl", { antialias: false, alpha: true, premultipliedAlpha: true });
    this.gl = gl;
    this.count = 0;
    this.marked = 0;
    this.center = [0, 0];
    this.zoom = 1;
    if (!gl) return;
    const program = gl.createProgram();
    gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
    gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
    gl.linkProgram(program);
    gl.useProgram(program);
    this.at = {};
    for (const name of ["center", "scale", "size", "ring", "opacity"]) this.at[name] = gl.getUniformLocation(program, name);
    this.place = gl.getAttribLocation(program, "place");
    this.color = gl.getAttribLocation(program, "color");
    [this.places, this.colors, this.markPlaces, this.markColors] = [0, 0, 0, 0].map(() => gl.createBuffer());
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  get works() { return Boolean(this.gl); }

  setPlaces(places) {
    this.count = places.length / 2;
    this._fill(this.places, places);
  }

  setColors(bytes) { this._fill(this.colors, bytes); }

  setMarks(places, bytes) {
    this.marked = places.length / 2;
    this._fill(this.markPlaces, places);
    this._fill(this.markColors, bytes);
  }

  _fill(buffer, values) {
    if (!this.gl) return;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, buffer);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, values, this.gl.STATIC_DRAW);
  }

  // Factors from places to the canvas, the same in pixels on both axes.
  factors() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const side = Math.min(width, height) * 0.46 * this.zoom;
    return { width, height, side };
  }

  toPixels(x, y) {
    const { width, height, side } = this.factors();
    return [width / 2 + (x - this.center[0]) * side, height / 2 - (y - this.center[1]) * side];
  }

  toPlace(px, py) {
    const { width, height, side } = this.factors();
    return [this.center[0] + (px - width / 2) / side, this.center[1] - (py - height / 2) / side];
  }

  draw() {
    const gl = this.gl;
    if (!gl) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const { width, height, side } = this.factors();
    const [wide, high] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
    if (this.canvas.width !== wide || this.canvas.height !== high) Object.assign(this.canvas, { width: wide, height: high });
    gl.viewport(0, 0, wide, high);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.count) return;
    gl.uniform2f(this.at.center, this.center[0], this.center[1]);
    gl.uniform2f(this.at.scale, 2 * side / Math.max(width, 1), 2 * side / Math.max(height, 1));
    // fewer points are larger, and all grow when one comes closer
    const size = Math.min(Math.max(60 / Math.sqrt(this.count) * 4, 1.6), 7) * Math.min(Math.sqrt(this.zoom), 4);
    this.size = size;
    const opacity = this.count > 200000 ? Math.min(0.35 * Math.sqrt(this.zoom), 0.9) : this.count > 20000 ? 0.65 : 0.85;
    this._drawSet(this.places, this.colors, this.count, size * ratio, 0, opacity);
    if (this.marked) this._drawSet(this.markPlaces, this.markColors, this.marked, (this.marked > 20 ? Math.max(size * 1.7, 7) : Math.max(size * 2.2, 10)) * ratio, 1, 1);
  }

  _drawSet(places, colors, count, size, ring, opacity) {
    const gl = this.gl;
    gl.uniform1f(this.at.size, size);
    gl.uniform1f(this.at.ring, ring);
    gl.uniform1f(this.at.opacity, opacity);
    gl.bindBuffer(gl.ARRAY_BUFFER, places);
    gl.enableVertexAttribArray(this.place);
    gl.vertexAttribPointer(this.place, 2, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, colors);
    gl.enableVertexAttribArray(this.color);
    gl.vertexAttribPointer(this.color, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    gl.drawArrays(gl.POINTS, 0, count);
  }
}
