"""Open a GeoPackage in QGIS without a screen: print what each layer and its default style are, as JSON."""

import json
import sys


def main() -> None:
    # Debian's Python alone has QGIS: importing this file must not need it.
    from qgis.core import (  # noqa: PLC0415 - as said above
        QgsApplication,
        QgsMapRendererParallelJob,
        QgsMapSettings,
        QgsRenderContext,
        QgsVectorLayer,
    )
    from qgis.PyQt.QtCore import QSize  # noqa: PLC0415 - as said above

    path, layers, image = sys.argv[1], sys.argv[2].split(","), sys.argv[3] if len(sys.argv) > 3 else ""
    QgsApplication.setPrefixPath("/usr", True)  # noqa: FBT003 - the API of QGIS
    application = QgsApplication([], False)  # noqa: FBT003 - the API of QGIS
    application.initQgis()
    told, drawn = {}, []
    for name in layers:
        layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
        _message, loaded = layer.loadDefaultStyle()
        renderer = layer.renderer()
        spatial = layer.isSpatial()
        labels = []
        if spatial:
            labels = [item.label() for item in renderer.legendSymbolItems()]
            drawn.append(layer)
        count, _ids, names, *_rest = layer.listStylesInDatabase()
        told[name] = {
            "valid": layer.isValid(),
            "crs": layer.crs().authid() if spatial else "",
            "loaded": bool(loaded),
            "renderer": renderer.type() if spatial else "",
            "labels": labels,
            "features": layer.featureCount(),
            "styles": list(names)[: max(count, 0)],
            "aliases": [layer.attributeAlias(rank) for rank in range(layer.fields().count())],
        }
        if spatial and renderer.type() == "graduatedSymbol":
            seen = {}
            context = QgsRenderContext()
            context.expressionContext().setFields(layer.fields())
            renderer.startRender(context, layer.fields())
            for feature in layer.getFeatures():
                context.expressionContext().setFeature(feature)
                found = renderer.legendKeysForFeature(feature, context)
                items = {item.ruleKey(): item.label() for item in renderer.legendSymbolItems()}
                seen[feature["code_commune"]] = [items.get(key, key) for key in found]
            renderer.stopRender(context)
            told[name]["classes"] = seen
    if image:
        settings = QgsMapSettings()
        settings.setLayers(drawn[::-1])
        settings.setDestinationCrs(drawn[0].crs())
        settings.setOutputSize(QSize(1100, 900))
        core = [feature for feature in drawn[0].getFeatures() if feature["in_core"]]
        extent = core[0].geometry().boundingBox()
        for feature in core[1:]:
            extent.combineExtentWith(feature.geometry().boundingBox())
        extent.scale(1.25)
        settings.setExtent(extent)
        job = QgsMapRendererParallelJob(settings)
        job.start()
        job.waitForFinished()
        job.renderedImage().save(image)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
