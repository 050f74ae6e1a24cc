package function

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/mathext"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// statisticsFuncs are special functions and conversions of units.
// https://learn.microsoft.com/kusto/query/scalar-functions#mathematical-functions
var statisticsFuncs = []Func{
	{Name: "erf", Signatures: []string{"real -> real"}, Go: real1(math.Erf), Naming: NameFirst, Doc: "erf-function"},
	{Name: "erfc", Signatures: []string{"real -> real"}, Go: real1(math.Erfc), Naming: NameFirst, Doc: "erfc-function"},
	{Name: "beta_cdf", Signatures: []string{"real, real, real -> real"}, Go: beta(math.NaN(), func(x, a, b float64) bool { return x >= 0 && x <= 1 && a <= mostBeta && b <= mostBeta }, func(x, a, b float64) float64 { return mathext.RegIncBeta(a, b, x) }), Doc: "beta-cdf-function"},
	{Name: "beta_inv", Signatures: []string{"real, real, real -> real"}, Go: beta(nil, func(p, _, _ float64) bool { return p > 0 && p <= 1 }, func(p, a, b float64) float64 { return mathext.InvRegIncBeta(a, b, p) }), Doc: "beta-inv-function"},
	{Name: "beta_pdf", Signatures: []string{"real, real, real -> real"}, Go: beta(math.NaN(), func(x, _, _ float64) bool { return x > 0 && x < 1 }, betaDensity), Doc: "beta-pdf-function"},
	{Name: "welch_test", Signatures: []string{"real, real, real, real, real, real -> real"}, Go: goWelch, Doc: "welch-test-function"},
	{Name: "format_bytes", Signatures: []string{"real, long?, string? -> string"}, Go: goFormatBytes, Naming: NameFirst, Doc: "format-bytes-function"},
	{Name: "convert_energy", Signatures: []string{"float, string!, string! -> real"}, Build: buildConvert("energy"), Doc: "convert-energy-function"},
	{Name: "convert_speed", Signatures: []string{"float, string!, string! -> real"}, Build: buildConvert("speed"), Doc: "convert-speed-function"},
	{Name: "convert_angle", Signatures: []string{"float, string!, string! -> real"}, Build: buildConvert("angle"), Doc: "convert-angle-function"},
	{Name: "convert_force", Signatures: []string{"float, string!, string! -> real"}, Build: buildConvert("force"), Doc: "convert-force-function"},
	{Name: "convert_mass", Signatures: []string{"float, string!, string! -> real"}, Build: buildConvert("mass"), Doc: "convert-mass-function"},
	{Name: "convert_length", Signatures: []string{"float, string!, string! -> real"}, Build: buildConvert("length"), Doc: "convert-length-function"},
	{Name: "convert_volume", Signatures: []string{"float, string!, string! -> real"}, Build: buildConvert("volume"), Doc: "convert-volume-function"},
	{Name: "convert_temperature", Signatures: []string{"float, string!, string! -> real"}, Build: buildTemperature, Doc: "convert-temperature-function"},
}

func real1(f func(float64) float64) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) { return f(args[0].(float64)), nil }
}

// mostBeta is the greatest parameter of beta_cdf.
const mostBeta = 10000

// beta guards the domain: outside stands for what is not inside, NaN for parameters that are not positive. Of beta_inv
// the page says the two the other way round than its example.
func beta(outside schema.Value, inside func(x, a, b float64) bool, f func(x, a, b float64) float64) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		x, a, b := args[0].(float64), args[1].(float64), args[2].(float64)
		switch {
		case a <= 0 || b <= 0:
			return math.NaN(), nil
		case !inside(x, a, b):
			return outside, nil
		}
		return f(x, a, b), nil
	}
}

func betaDensity(x, a, b float64) float64 {
	return math.Exp((a-1)*math.Log(x) + (b-1)*math.Log(1-x) - mathext.Lbeta(a, b))
}

// units are sizes in the base unit of a dimension. Only those are known whose size is exact by definition or, as that of
// the acre-foot, follows from a documented answer: Kusto's own factors are rounded here and there.
var units = map[string]map[string]float64{
	"angle":  {"Radian": 1, "Degree": math.Pi / 180, "Gradian": math.Pi / 200, "Revolution": 2 * math.Pi, "Arcminute": math.Pi / 10800, "Arcsecond": math.Pi / 648000},
	"force":  {"Newton": 1, "Decanewton": 10, "Kilonewton": 1e3, "Meganewton": 1e6, "Millinewton": 1e-3, "Micronewton": 1e-6, "Dyn": 1e-5, "KilogramForce": 9.80665, "KiloPond": 9.80665, "PoundForce": 4.4482216152605},
	"mass":   {"Kilogram": 1, "Gram": 1e-3, "Milligram": 1e-6, "Microgram": 1e-9, "Tonne": 1e3, "Pound": 0.45359237},
	"length": {"Meter": 1, "Kilometer": 1e3, "Centimeter": 1e-2, "Decimeter": 1e-1, "Millimeter": 1e-3, "Micrometer": 1e-6, "Nanometer": 1e-9, "Foot": 0.3048, "Inch": 0.0254, "Yard": 0.9144, "NauticalMile": 1852},
	"energy": {
		"Joule": 1, "Kilojoule": 1e3, "Megajoule": 1e6, "Gigajoule": 1e9, "Millijoule": 1e-3, "Erg": 1e-7,
		"Calorie": 4.184, "Kilocalorie": 4184, "Megacalorie": 4.184e6, "BritishThermalUnit": 1055.05585262,
		"KilobritishThermalUnit": 1055.05585262e3, "MegabritishThermalUnit": 1055.05585262e6, "GigabritishThermalUnit": 1055.05585262e9,
		"WattHour": 3600, "KilowattHour": 3.6e6, "MegawattHour": 3.6e9, "GigawattHour": 3.6e12, "TerawattHour": 3.6e15,
		"WattDay": 86400, "KilowattDay": 8.64e7, "MegawattDay": 8.64e10, "GigawattDay": 8.64e13, "TerawattDay": 8.64e16,
	},
	"speed": { // metres per hour
		"MeterPerSecond": 3600, "CentimeterPerSecond": 3600 * 1e-2, "DecimeterPerSecond": 3600 * 1e-1, "MillimeterPerSecond": 3600 * 1e-3, "MicrometerPerSecond": 3600 * 1e-6, "NanometerPerSecond": 3600 * 1e-9, "KilometerPerSecond": 3600 * 1e3, "FootPerSecond": 3600 * 0.3048, "InchPerSecond": 3600 * 0.0254, "YardPerSecond": 3600 * 0.9144,
		"MeterPerMinute": 60, "CentimeterPerMinute": 60 * 1e-2, "DecimeterPerMinute": 60 * 1e-1, "MillimeterPerMinute": 60 * 1e-3, "MicrometerPerMinute": 60 * 1e-6, "NanometerPerMinute": 60 * 1e-9, "KilometerPerMinute": 60 * 1e3, "FootPerMinute": 60 * 0.3048, "InchPerMinute": 60 * 0.0254, "YardPerMinute": 60 * 0.9144,
		"MeterPerHour": 1, "CentimeterPerHour": 1e-2, "MillimeterPerHour": 1e-3, "KilometerPerHour": 1e3, "FootPerHour": 0.3048, "InchPerHour": 0.0254, "YardPerHour": 0.9144, "MilePerHour": 1609.344,
	},
	"volume": {"CubicMeter": 1, "Liter": 1e-3, "Deciliter": 1e-4, "Centiliter": 1e-5, "Milliliter": 1e-6, "CubicDecimeter": 1e-3, "CubicCentimeter": 1e-6, "CubicMillimeter": 1e-9, "CubicKilometer": 1e9, "AcreFoot": 1 / 0.000810714},
}

// goWelch is the two-sided p-value of Welch's t-test.
func goWelch(args []schema.Value) (schema.Value, error) {
	var x [6]float64
	for i, a := range args {
		x[i], _ = a.(float64)
	}
	a, b := x[1]/x[2], x[4]/x[5] // the variances of the means
	t := (x[0] - x[3]) / math.Sqrt(a+b)
	freedom := (a + b) * (a + b) / (a*a/(x[2]-1) + b*b/(x[5]-1))
	if math.IsNaN(t) || !(freedom > 0) || math.IsInf(freedom, 1) {
		return nil, nil
	}
	return mathext.RegIncBeta(freedom/2, 0.5, freedom/(freedom+t*t)), nil
}

// byteUnits are the units of format_bytes, each 1024 of the one before.
var byteUnits = []string{"Bytes", "KB", "MB", "GB", "TB", "PB", "EB"}

// goFormatBytes writes a size in the largest unit of which it is one at least, or in the unit given.
func goFormatBytes(args []schema.Value) (schema.Value, error) {
	size, precision, unit := args[0].(float64), int64(0), ""
	if len(args) > 1 {
		precision, _ = args[1].(int64)
	}
	if len(args) > 2 {
		unit, _ = args[2].(string)
	}
	at := slices.Index(byteUnits, unit)
	if at < 0 {
		if unit != "" || precision < 0 || precision > 15 {
			return "", nil
		}
		for at = 0; at < len(byteUnits)-1 && math.Abs(size) >= math.Pow(1024, float64(at+1)); at++ {
		}
	}
	scale := math.Pow(10, float64(precision))
	rounded := math.Round(size/math.Pow(1024, float64(at))*scale) / scale
	return strconv.FormatFloat(rounded, 'f', -1, 64) + " " + byteUnits[at], nil
}

func buildConvert(dimension string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		var sizes [2]float64
		for i, a := range c.Args[1:] {
			unit, _ := a.Text()
			size, ok := units[dimension][unit]
			if !ok {
				return "", fmt.Errorf("the unit of %s %q is not supported", dimension, unit)
			}
			sizes[i] = size
		}
		return fmt.Sprintf("(%s * %s / %s)", c.Args[0].SQL, Literal(schema.Real, sizes[0]), Literal(schema.Real, sizes[1])), nil
	}
}

// kelvin are the scales of temperature: k = (x + offset) * factor.
var kelvin = map[string]struct{ offset, factor float64 }{
	"Kelvin": {0, 1}, "DegreeCelsius": {273.15, 1}, "DegreeFahrenheit": {459.67, 5.0 / 9}, "DegreeRankine": {0, 5.0 / 9},
}

func buildTemperature(c Call) (string, error) {
	var scales [2]struct{ offset, factor float64 }
	for i, a := range c.Args[1:] {
		unit, _ := a.Text()
		scale, ok := kelvin[unit]
		if !ok {
			return "", fmt.Errorf("the unit of temperature %q is not supported", unit)
		}
		scales[i] = scale
	}
	number := func(x float64) string { return Literal(schema.Real, x) }
	return fmt.Sprintf("((%s + %s) * %s / %s - %s)", c.Args[0].SQL, number(scales[0].offset), number(scales[0].factor), number(scales[1].factor), number(scales[1].offset)), nil
}
