// Numbers about embeddings: curves, intervals, folds, all pairs. Arrays come and go as CPU tensors.
#include <ATen/ATen.h>
#include <pybind11/functional.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "bindings/common.h"
#include "bindings/options_class.h"
#include "core/check.h"
#include "measure/all_pairs.h"
#include "measure/cosine_tiles.h"
#include "measure/error_curve.h"
#include "measure/identification.h"
#include "measure/intervals.h"
#include "measure/separation.h"
#include "measure/verification_folds.h"

namespace guise::bindings {

namespace {

using measure::Integers;
using measure::Numbers;
using Progress = std::optional<std::function<void(double)>>;

at::Tensor checked(const at::Tensor& tensor, int64_t dimensions, at::ScalarType dtype,
                   const char* what) {
  GUISE_CHECK_ARG(tensor.dim() == dimensions && tensor.is_cpu(), what, " must be a CPU tensor of ",
                  dimensions, " dimension(s); got ", tensor.dim(), " on ", tensor.device().str());
  return tensor.detach().to(dtype).contiguous();
}

Numbers numbers(const at::Tensor& tensor, const char* what) {
  const at::Tensor values = checked(tensor, 1, at::kDouble, what);
  Numbers result = Numbers::from_shape({static_cast<size_t>(values.numel())});
  std::copy_n(values.const_data_ptr<double>(), result.size(), result.begin());
  return result;
}

Integers integers(const at::Tensor& tensor, const char* what) {
  GUISE_CHECK_ARG(!tensor.is_floating_point(), what, " must be whole numbers or booleans; got ",
                  c10::toString(tensor.scalar_type()));
  const at::Tensor values = checked(tensor, 1, at::kLong, what);
  Integers result = Integers::from_shape({static_cast<size_t>(values.numel())});
  std::copy_n(values.const_data_ptr<int64_t>(), result.size(), result.begin());
  return result;
}

template <typename Array>
at::Tensor tensor_of(const Array& array, at::ScalarType dtype) {
  const std::vector<int64_t> shape(array.shape().begin(), array.shape().end());
  at::Tensor tensor = at::empty(shape, dtype);
  std::copy_n(array.data(), array.size(),
              tensor.mutable_data_ptr<std::decay_t<decltype(*array.data())>>());
  return tensor;
}

at::Tensor tensor_of(const Numbers& array) {
  return tensor_of(array, at::kDouble);
}

// Keeps the tensor that its rows are of.
struct Rows {
  explicit Rows(const at::Tensor& vectors) {
    GUISE_CHECK_ARG(vectors.dim() == 2 && vectors.scalar_type() == at::kFloat && vectors.is_cpu(),
                    "embeddings must be float32 [N, D] on the CPU; got ",
                    c10::toString(vectors.scalar_type()), " with ", vectors.dim(), " dimension(s)");
    kept = vectors.detach().contiguous();
    view = {kept.const_data_ptr<float>(), kept.size(0), kept.size(1)};
  }
  at::Tensor kept;
  measure::EmbeddingRows view;
};

// Lets Ctrl-C through, and tells the caller. Called without the lock of the interpreter.
std::function<void(double)> watched(const Progress& progress) {
  return [progress](double share) {
    const py::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (progress) (*progress)(share);
  };
}

template <typename Class, typename Field>
auto tensor_property(Field Class::*member, at::ScalarType dtype = at::kDouble) {
  return [member, dtype](const Class& self) { return tensor_of(self.*member, dtype); };
}

void bind_curves(py::module_& m) {
  using measure::DetPoints, measure::EqualError, measure::ErrorCurve, measure::OperatingPoint;
  py::class_<EqualError>(m, "EqualError", "Where FMR and FNMR cross.")
      .def_readonly("rate", &EqualError::rate, "0 to 1")
      .def_readonly("threshold", &EqualError::threshold, "score of the crossing");
  py::class_<OperatingPoint>(m, "OperatingPoint", "The loosest threshold with FMR <= target.")
      .def_readonly("target_fmr", &OperatingPoint::target_fmr, "what was asked for")
      .def_readonly("threshold", &OperatingPoint::threshold, "inf: nothing is accepted")
      .def_readonly("fmr", &OperatingPoint::fmr, "share of impostor pairs accepted")
      .def_readonly("fnmr", &OperatingPoint::fnmr, "share of genuine pairs refused: 1 - TAR")
      .def_readonly("carried", &OperatingPoint::carried,
                    "the target is at least one impostor pair");
  py::class_<DetPoints>(m, "DetPoints", "Points of a DET curve, thinned.")
      .def_property_readonly("fmr", tensor_property(&DetPoints::fmr), "float64 [K]")
      .def_property_readonly("fnmr", tensor_property(&DetPoints::fnmr), "float64 [K]")
      .def_property_readonly("fmr_deviate", tensor_property(&DetPoints::fmr_deviate),
                             "float64 [K], the normal deviate")
      .def_property_readonly("fnmr_deviate", tensor_property(&DetPoints::fnmr_deviate),
                             "float64 [K], the normal deviate");
  py::class_<ErrorCurve>(m, "ErrorCurve",
                         "Errors at every threshold; a pair is accepted where score >= threshold.")
      .def_property_readonly("thresholds", tensor_property(&ErrorCurve::thresholds),
                             "float64 [T], rising, the last is inf")
      .def_property_readonly("fmr", tensor_property(&ErrorCurve::fmr), "float64 [T]")
      .def_property_readonly("fnmr", tensor_property(&ErrorCurve::fnmr), "float64 [T]")
      .def_readonly("genuine", &ErrorCurve::genuine, "pairs of one person")
      .def_readonly("impostor", &ErrorCurve::impostor, "pairs of two people")
      .def("equal_error", &measure::equal_error,
           "EER: straight lines between the two thresholds that enclose the crossing.")
      .def("at_fmr", &measure::operating_point, py::arg("target_fmr"),
           "FNMR@FMR, not interpolated. Raises ValueError for a target outside 0 to 1.")
      .def("det_points", &measure::det_points, py::arg("least_change") = 0.01,
           "The DET curve without rates of 0 and 1, thinned.");
  m.def(
      "error_curve",
      [](const at::Tensor& genuine, const at::Tensor& impostor) {
        return measure::error_curve(measure::count_scores(numbers(genuine, "genuine scores"),
                                                          numbers(impostor, "impostor scores")));
      },
      py::arg("genuine"), py::arg("impostor"), py::call_guard<py::gil_scoped_release>(),
      "From the scores [P] of pairs of one person and of two. Raises ValueError without either.");
  m.def(
      "error_curve_of_counts",
      [](const at::Tensor& scores, const at::Tensor& genuine, const at::Tensor& impostor) {
        return measure::error_curve(measure::merge_counts(numbers(scores, "scores"),
                                                          numbers(genuine, "genuine counts"),
                                                          numbers(impostor, "impostor counts")));
      },
      py::arg("scores"), py::arg("genuine"), py::arg("impostor"),
      py::call_guard<py::gil_scoped_release>(), "The same from counts [S] of pairs by score.");
  m.def(
      "d_prime",
      [](const at::Tensor& genuine, const at::Tensor& impostor) {
        return measure::d_prime(measure::moments(numbers(genuine, "genuine scores")),
                                measure::moments(numbers(impostor, "impostor scores")));
      },
      py::arg("genuine"), py::arg("impostor"),
      "|mean difference| / sqrt((variance + variance) / 2), population variances.");
}

void bind_intervals(py::module_& m) {
  using measure::BootstrapIntervals, measure::BootstrapOptions, measure::Interval;
  py::class_<Interval>(m, "Interval", "Bounds of a rate.")
      .def_readonly("low", &Interval::low, "0 to 1")
      .def_readonly("high", &Interval::high, "0 to 1")
      .def("__repr__", [](const Interval& self) {
        return core::message("Interval(", self.low, ", ", self.high, ")");
      });
  OptionsClass<BootstrapOptions>(m, "BootstrapOptions", "How often people are drawn anew.")
      .field("resamples", &BootstrapOptions::resamples, "at least 10")
      .field("seed", &BootstrapOptions::seed, "of Philox")
      .field("confidence", &BootstrapOptions::confidence, "of percentile intervals")
      .field("threads", &BootstrapOptions::threads, "0: one per processor")
      .finish();
  py::class_<BootstrapIntervals>(m, "BootstrapIntervals", "Bootstrap over people.")
      .def_readonly("equal_error", &BootstrapIntervals::equal_error, "of the EER")
      .def_readonly("equal_error_spread", &BootstrapIntervals::equal_error_spread,
                    "standard deviation of the EER over the resamples")
      .def_readonly("fnmr", &BootstrapIntervals::fnmr, "of FNMR at each target FMR")
      .def_readonly("resamples", &BootstrapIntervals::resamples, "that held pairs of both kinds");
  m.def("wilson_interval", &measure::wilson_interval, py::arg("successes"), py::arg("trials"),
        py::arg("confidence") = 0.95, "Wilson's score interval of a share.");
  m.def("probit", &measure::probit, py::arg("p"),
        "What a standard normal variable stays below with probability p.");
  m.def(
      "bootstrap_intervals",
      [](const at::Tensor& scores, const at::Tensor& genuine, const at::Tensor& first_unit,
         const at::Tensor& second_unit, const at::Tensor& weights, int64_t units,
         const std::vector<double>& target_fmrs, const BootstrapOptions& options) {
        const measure::ResampledPairs pairs{
            numbers(scores, "scores"),           integers(genuine, "genuine"),
            integers(first_unit, "first units"), integers(second_unit, "second units"),
            numbers(weights, "weights"),         units};
        return measure::bootstrap_intervals(pairs, target_fmrs, options);
      },
      py::arg("scores"), py::arg("genuine"), py::arg("first_unit"), py::arg("second_unit"),
      py::arg("weights"), py::arg("units"), py::arg("target_fmrs"),
      py::arg("options") = BootstrapOptions(), py::call_guard<py::gil_scoped_release>(),
      "Intervals by drawing whole people. All arrays are [P]; a unit of -1 counts in every draw. "
      "Raises ValueError where draws hold no pairs of both kinds.");
}

void bind_all_pairs(py::module_& m) {
  using measure::AllPairs, measure::AllPairsOptions, measure::NearPair, measure::PairCounts;
  OptionsClass<AllPairsOptions>(m, "AllPairsOptions", "What is kept of all pairs.")
      .field("bins", &AllPairsOptions::bins, "of equal width, over the cosines -1 to 1")
      .field("thresholds", &AllPairsOptions::thresholds, "rising; pairs at or above are counted")
      .field("nearest", &AllPairsOptions::nearest, "how many of the nearest pairs of all")
      .field("nearest_each", &AllPairsOptions::nearest_each, "and of each row; twice the time")
      .field("threads", &AllPairsOptions::threads, "0: one per processor")
      .finish();
  py::class_<NearPair>(m, "NearPair", "Two rows of high cosine.")
      .def_readonly("first", &NearPair::first, "row")
      .def_readonly("second", &NearPair::second, "row, above first")
      .def_readonly("cosine", &NearPair::cosine, "-1 to 1");
  py::class_<PairCounts>(m, "PairCounts", "Pairs of one kind.")
      .def_property_readonly("bins", tensor_property(&PairCounts::bins, at::kLong), "int64 [bins]")
      .def_property_readonly("above", tensor_property(&PairCounts::above, at::kLong),
                             "int64 [thresholds]")
      .def_property_readonly("pairs", [](const PairCounts& self) { return self.moments.count; })
      .def_property_readonly("mean", [](const PairCounts& self) { return self.moments.mean(); })
      .def_property_readonly("variance",
                             [](const PairCounts& self) { return self.moments.variance(); });
  py::class_<AllPairs>(m, "AllPairs", "Every pair of rows, each counted once.")
      .def_readonly("impostor", &AllPairs::impostor, "pairs of two people")
      .def_readonly("genuine", &AllPairs::genuine, "pairs of one person")
      .def_readonly("nearest", &AllPairs::nearest, "of two people, highest cosine first")
      .def_property_readonly("neighbours", tensor_property(&AllPairs::neighbours, at::kLong),
                             "int64 [N, nearest_each], -1 where there are fewer")
      .def_property_readonly("neighbour_cosines",
                             tensor_property(&AllPairs::neighbour_cosines, at::kFloat),
                             "float32 [N, nearest_each]")
      .def("d_prime", [](const AllPairs& self) {
        return measure::d_prime(self.genuine.moments, self.impostor.moments);
      });
  m.def(
      "all_pairs",
      [](const at::Tensor& vectors, const std::optional<at::Tensor>& people,
         const AllPairsOptions& options, const Progress& progress) {
        const Rows rows(vectors);
        AllPairsOptions chosen = options;
        chosen.on_progress = watched(progress);
        const Integers labels = people ? integers(*people, "labels") : Integers();
        const py::gil_scoped_release released;
        return measure::all_pairs(rows.view, labels, chosen);
      },
      py::arg("vectors"), py::arg("people") = py::none(), py::kw_only(),
      py::arg("options") = AllPairsOptions(), py::arg("on_progress") = py::none(),
      "Exact cosines of all pairs of rows of float32 [N, D], in blocks. people: int64 [N]; without "
      "it no two rows are of one person. on_progress: is told the share that is done.");
}

void bind_pairs(py::module_& m) {
  m.def(
      "listed_cosines",
      [](const at::Tensor& vectors, int64_t threads) {
        const Rows rows(vectors);
        measure::TileOptions options;
        options.threads = threads;
        options.on_progress = watched({});
        const py::gil_scoped_release released;
        return tensor_of(measure::listed_cosines(rows.view, options), at::kFloat);
      },
      py::arg("vectors"), py::kw_only(), py::arg("threads") = 0,
      "float32 [N (N - 1) / 2]: the pairs (0, 1), (0, 2), ... as torch.triu_indices lists them.");
  m.def(
      "pair_cosines",
      [](const at::Tensor& vectors, const at::Tensor& first, const at::Tensor& second) {
        return tensor_of(measure::pair_cosines(Rows(vectors).view, integers(first, "first rows"),
                                               integers(second, "second rows")));
      },
      py::arg("vectors"), py::arg("first"), py::arg("second"),
      py::call_guard<py::gil_scoped_release>(), "float64 [P]: cosines of some pairs of rows.");
  m.def(
      "pair_distances",
      [](const at::Tensor& vectors, const at::Tensor& first, const at::Tensor& second) {
        return tensor_of(measure::pair_distances(Rows(vectors).view, integers(first, "first rows"),
                                                 integers(second, "second rows")));
      },
      py::arg("vectors"), py::arg("first"), py::arg("second"),
      py::call_guard<py::gil_scoped_release>(),
      "float64 [P]: squared Euclidean distances, as the LFW protocol takes them.");
}

void bind_folds(py::module_& m) {
  using measure::FoldOptions, measure::FoldResult;
  OptionsClass<FoldOptions>(m, "FoldOptions", "10-fold verification.")
      .field("folds", &FoldOptions::folds, "contiguous, as scikit-learn's KFold makes them")
      .field("target_far", &FoldOptions::target_far, "of VAL")
      .finish();
  py::class_<FoldResult>(m, "FoldResult", "10-fold verification as the LFW protocol has it.")
      .def_property_readonly("accuracies", tensor_property(&FoldResult::accuracies),
                             "float64 [folds]")
      .def_property_readonly("thresholds", tensor_property(&FoldResult::thresholds),
                             "float64 [folds], squared distances")
      .def_readonly("accuracy", &FoldResult::accuracy, "mean over the folds")
      .def_readonly("accuracy_spread", &FoldResult::accuracy_spread,
                    "population standard deviation")
      .def_readonly("val", &FoldResult::val,
                    "mean TAR at the target FAR of the other folds, or NaN")
      .def_readonly("val_spread", &FoldResult::val_spread, "population standard deviation")
      .def_readonly("far", &FoldResult::far, "mean FAR that was met");
  m.def(
      "verify_in_folds",
      [](const at::Tensor& distances, const at::Tensor& same, const FoldOptions& options) {
        return measure::verify_in_folds(numbers(distances, "distances"), integers(same, "same"),
                                        options);
      },
      py::arg("distances"), py::arg("same"), py::arg("options") = FoldOptions(),
      py::call_guard<py::gil_scoped_release>(),
      "distances: squared Euclidean [P]; same: [P]. Raises ValueError for fewer pairs than folds.");
}

void bind_people(py::module_& m) {
  using measure::IdentificationOptions, measure::Separation, measure::SeparationOptions;
  OptionsClass<IdentificationOptions>(m, "IdentificationOptions", "Rank-k identification.")
      .field("ranks", &IdentificationOptions::ranks, "rates at rank 1 to this")
      .field("threads", &IdentificationOptions::threads, "0: one per processor")
      .finish();
  m.def(
      "gallery_identification",
      [](const at::Tensor& gallery, const at::Tensor& gallery_people, const at::Tensor& probes,
         const at::Tensor& probe_people, const IdentificationOptions& options) {
        return tensor_of(measure::gallery_identification(
            Rows(gallery).view, integers(gallery_people, "labels of the gallery"),
            Rows(probes).view, integers(probe_people, "labels of the probes"), options));
      },
      py::arg("gallery"), py::arg("gallery_people"), py::arg("probes"), py::arg("probe_people"),
      py::arg("options") = IdentificationOptions(), py::call_guard<py::gil_scoped_release>(),
      "float64 [ranks]: share of probes whose person is among the k nearest people.");
  m.def(
      "identification_over_choices",
      [](const at::Tensor& vectors, const at::Tensor& people,
         const IdentificationOptions& options) {
        return tensor_of(measure::identification_over_choices(Rows(vectors).view,
                                                              integers(people, "labels"), options));
      },
      py::arg("vectors"), py::arg("people"), py::arg("options") = IdentificationOptions(),
      py::call_guard<py::gil_scoped_release>(),
      "float64 [ranks]: the same, the exact mean over every choice of one gallery photo a person.");
  OptionsClass<SeparationOptions>(m, "SeparationOptions", "When people count as different.")
      .field("unique_cosine", &SeparationOptions::unique_cosine, "Vec2Face's threshold")
      .field("dcface_distance", &SeparationOptions::dcface_distance, "DCFace's r")
      .field("threads", &SeparationOptions::threads, "0: one per processor")
      .finish();
  py::class_<Separation>(m, "Separation", "How far people are apart, and their photos together.")
      .def_property_readonly("people", tensor_property(&Separation::people, at::kLong),
                             "int64 [C] labels")
      .def_property_readonly("nearest_other", tensor_property(&Separation::nearest_other),
                             "float64 [C] cosine to the nearest other centre")
      .def_property_readonly("intra_class", tensor_property(&Separation::intra_class),
                             "float64 [C] mean cosine of one person's pairs, or NaN")
      .def_readonly("inter_class_max", &Separation::inter_class_max,
                    "highest cosine of two centres")
      .def_readonly("intra_class_mean", &Separation::intra_class_mean, "mean over people")
      .def_readonly("to_centre_mean", &Separation::to_centre_mean, "mean over people")
      .def_readonly("unique_share", &Separation::unique_share, "Vec2Face's |U| / C")
      .def_readonly("dcface_uniqueness", &Separation::dcface_uniqueness, "DCFace's U_class")
      .def_readonly("dcface_consistency", &Separation::dcface_consistency, "DCFace's C_intra");
  m.def(
      "separation",
      [](const at::Tensor& vectors, const at::Tensor& people, const SeparationOptions& options) {
        return measure::separation(Rows(vectors).view, integers(people, "labels"), options);
      },
      py::arg("vectors"), py::arg("people"), py::arg("options") = SeparationOptions(),
      py::call_guard<py::gil_scoped_release>(),
      "Separation and consistency of a set. Raises ValueError for fewer than two people.");
}

}  // namespace

void bind_measure(py::module_& m) {
  bind_curves(m);
  bind_intervals(m);
  bind_all_pairs(m);
  bind_pairs(m);
  bind_folds(m);
  bind_people(m);
}

}  // namespace guise::bindings
