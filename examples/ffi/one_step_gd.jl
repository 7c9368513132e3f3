# One layer of linear attention becomes one step of gradient descent, called from Julia.
#
# Only ccall and the standard library. The layer is trained once on the exact population loss and
# once on sampled prompts; the certificate then says how far it is from the closed form,
# eta = 1 / (n + d + 1 + sigma^2). Exits 1 if it is too far.
#
# Usage: julia one_step_gd.jl [PATH OF libicl.so]   (else the environment's LIBICL, else the system's)
using Libdl
using Printf

const LIBRARY = Libdl.dlopen(isempty(ARGS) ? get(ENV, "LIBICL", "libicl.so.0") : ARGS[1])
symbol(name) = Libdl.dlsym(LIBRARY, name)

const OK, ARGUMENT = 0, 1              # icl_status
const PVKQ = 1                         # icl_parametrisation
const LBFGS, FIXED, POPULATION = 4, 1, 2 # icl_optimiser_method, icl_train_on
const STOP_CALLBACK = 5                # icl_stop

# The head of each option struct, down to the last field that is used here: the library leaves the
# others at their defaults, as it does for a program that was compiled with an older header.
mutable struct LawOptions
    size::Csize_t
    dim::Int64
    context::Int64
    noise::Cdouble
    LawOptions() = new()
end

mutable struct ModelOptions
    size::Csize_t
    dim::Int64
    parametrisation::Cint
    ModelOptions() = new()
end

mutable struct OptimiserOptions
    size::Csize_t
    method::Cint
    rate::Cdouble
    OptimiserOptions() = new()
end

mutable struct TrainerOptions
    size::Csize_t
    on::Cint
    batch::Int64
    queries::Int64
    first::Int64
    steps::Int64
    seconds::Cdouble
    gradient_tolerance::Cdouble
    excess_tolerance::Cdouble
    excess_every::Int64
    average::Int64
    progress::Ptr{Cvoid}
    progress_user::Ptr{Cvoid}
    TrainerOptions() = new()
end

struct TrainReport
    step::Int64
    loss::Cdouble
    gradient_norm::Cdouble
    excess::Cdouble
    seconds::Cdouble
    stop::Cint
end

struct Certificate
    size::Csize_t
    gamma_distance::Cdouble
    even_part::Cdouble
    gradient_norm::Cdouble
    risk::Cdouble
    risk_optimum::Cdouble
    excess::Cdouble
    step::Cdouble
    step_theory::Cdouble
end
Certificate() = Certificate(sizeof(Certificate), zeros(8)...)

"A failed call, with the library's own text."
struct IclError <: Exception
    status::Cint
    text::String
end
Base.showerror(io::IO, e::IclError) = print(io, e.text)

function check(context::Ptr{Cvoid}, status::Cint)
    status == OK && return
    text = unsafe_string(ccall(symbol(:icl_context_last_error), Cstring, (Ptr{Cvoid},), context))
    isempty(text) && (text = unsafe_string(ccall(symbol(:icl_status_text), Cstring, (Cint,), status)))
    throw(IclError(status, text))
end

"A handle that Julia frees. The order does not matter: objects keep their context alive."
mutable struct Handle
    pointer::Ptr{Cvoid}
    kept::Tuple # what the library borrows must live as long
    function Handle(pointer, free, kept = ())
        handle = new(pointer, kept)
        finalizer(h -> ccall(free, Cvoid, (Ptr{Cvoid},), h.pointer), handle)
    end
end

function make_context()
    out = Ref{Ptr{Cvoid}}(C_NULL)
    check(C_NULL, ccall(symbol(:icl_context_create), Cint, (Ptr{Cvoid}, Ref{Ptr{Cvoid}}), C_NULL, out))
    Handle(out[], symbol(:icl_context_free))
end

function options(type, name; fields...)
    o = type()
    GC.@preserve o begin
        status = ccall(symbol("icl_$(name)_options_init"), Cint, (Ptr{Cvoid}, Csize_t),
            pointer_from_objref(o), sizeof(type))
    end
    check(C_NULL, status)
    foreach(((field, value),) -> setproperty!(o, field, value), pairs(fields))
    o
end

function make_law(context; fields...)
    out = Ref{Ptr{Cvoid}}(C_NULL)
    o = options(LawOptions, "law"; fields...)
    check(context.pointer, ccall(symbol(:icl_law_create), Cint,
        (Ptr{Cvoid}, Ref{LawOptions}, Ref{Ptr{Cvoid}}), context.pointer, o, out))
    Handle(out[], symbol(:icl_law_free))
end

function make_sampler(context, law, seed)
    out = Ref{Ptr{Cvoid}}(C_NULL)
    check(context.pointer, ccall(symbol(:icl_sampler_create), Cint,
        (Ptr{Cvoid}, Ptr{Cvoid}, UInt64, Ref{Ptr{Cvoid}}), context.pointer, law.pointer, seed, out))
    Handle(out[], symbol(:icl_sampler_free))
end

function make_model(context, dim)
    out = Ref{Ptr{Cvoid}}(C_NULL)
    o = options(ModelOptions, "model"; dim = dim, parametrisation = PVKQ)
    check(context.pointer, ccall(symbol(:icl_model_create), Cint,
        (Ptr{Cvoid}, Ref{ModelOptions}, Ref{Ptr{Cvoid}}), context.pointer, o, out))
    Handle(out[], symbol(:icl_model_free))
end

function make_optimiser(context, count)
    out = Ref{Ptr{Cvoid}}(C_NULL)
    o = options(OptimiserOptions, "optimiser"; method = LBFGS, rate = 1.0)
    check(context.pointer, ccall(symbol(:icl_optimiser_create), Cint,
        (Ptr{Cvoid}, Ref{OptimiserOptions}, Int64, Ref{Ptr{Cvoid}}), context.pointer, o, count, out))
    Handle(out[], symbol(:icl_optimiser_free))
end

"What the progress callback hears and keeps. An exception may not pass through C."
mutable struct Listener
    losses::Vector{Float64}
    stop_at::Int64
    error::Any
end

function hear(report::Ptr{TrainReport}, user::Ptr{Cvoid})::Cint
    listener = unsafe_pointer_to_objref(user)::Listener
    try
        r = unsafe_load(report)
        push!(listener.losses, r.loss)
        return r.step == listener.stop_at
    catch error
        listener.error = error
        return 1
    end
end

"Trains a new layer; its certificate on the law, and the last report."
function train(context, law, sampler, dim; stop_at = 0, fields...)
    model = make_model(context, dim)
    count = ccall(symbol(:icl_model_parameter_count), Int64, (Ptr{Cvoid},), model.pointer)
    optimiser = make_optimiser(context, count)
    listener = Listener(Float64[], stop_at, nothing)
    o = options(TrainerOptions, "trainer"; fields...,
        progress = @cfunction(hear, Cint, (Ptr{TrainReport}, Ptr{Cvoid})),
        progress_user = pointer_from_objref(listener))
    out = Ref{Ptr{Cvoid}}(C_NULL)
    check(context.pointer, ccall(symbol(:icl_trainer_create), Cint,
        (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ref{TrainerOptions}, Ref{Ptr{Cvoid}}),
        context.pointer, model.pointer, optimiser.pointer, sampler.pointer, o, out))
    trainer = Handle(out[], symbol(:icl_trainer_free), (model, optimiser, sampler, listener))

    report = Ref{TrainReport}()
    certificate = Ref(Certificate())
    GC.@preserve trainer law begin
        status = ccall(symbol(:icl_trainer_run), Cint, (Ptr{Cvoid}, Ref{TrainReport}),
            trainer.pointer, report)
        listener.error === nothing || throw(listener.error)
        check(context.pointer, status)
        check(context.pointer, ccall(symbol(:icl_model_certify), Cint,
            (Ptr{Cvoid}, Ptr{Cvoid}, Ptr{Cvoid}, Ref{Certificate}),
            model.pointer, law.pointer, C_NULL, certificate))
    end
    length(listener.losses) == report[].step > 0 || error("the callback missed steps")
    certificate[], report[]
end

function main()
    context = make_context()
    d, n, noise = 5, 20, 0.25
    law = make_law(context; dim = d, context = n, noise = noise)
    sampler = make_sampler(context, law, 1)
    theory = 1 / (n + d + 1 + noise)
    passed = true

    @printf("%-12s %10s %10s %15s %12s\n", "trained on", "eta", "theory", "gamma_distance", "excess risk")
    for (name, bound, fields) in (("population", 1e-8, (on = POPULATION, steps = 500)),
                                  ("prompts", 0.03, (on = FIXED, batch = 100_000, steps = 100)))
        c, _ = train(context, law, sampler, d; fields...)
        good = c.gamma_distance <= bound && abs(c.step_theory - theory) < 1e-15
        passed &= good
        @printf("%-12s %10.7f %10.7f %15.1e %12.1e  %s\n", name, c.step, c.step_theory,
            c.gamma_distance, c.excess, good ? "pass" : "FAIL")
    end

    _, report = train(context, law, sampler, d; stop_at = 3, on = POPULATION, steps = 500)
    passed &= report.step == 3 && report.stop == STOP_CALLBACK
    try
        make_law(context; dim = -1)
        passed = false
    catch mistake
        mistake isa IclError || rethrow()
        println("a mistake is an exception: ", mistake.text)
        passed &= mistake.status == ARGUMENT && occursin("dim = -1", mistake.text)
    end
    passed
end

exit(main() ? 0 : 1)
