"use strict";
// Before the map is made: readers who ask for less motion get none.
if (window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
  L.Map.mergeOptions({ zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, inertia: false });
}
// Leaflet looks for its default icon in the folder of its style sheet; here the image is in the style sheet.
L.Icon.Default.prototype._getIconUrl = function (name) {
  if (name !== "icon") {
    return null;
  }
  const probe = L.DomUtil.create("div", "leaflet-default-icon-path", document.body);
  const image = L.DomUtil.getStyle(probe, "background-image");
  probe.remove();
  return image.replace(/^url\(["']?/, "").replace(/["']?\)$/, "");
};
